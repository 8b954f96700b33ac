# SPDX-License-Identifier: GPL-2.0
# bash completion for vmtool
#
# Commands, options, the kind of their values and the names of guests are asked
# of the vmtool that is being completed, so that nothing here goes out of date.

# What the value of option $1 is called in the usage on stdin; 1 if it has none.
_vmtool_value()
{
	local line re='^ +((-.), +)?(--[a-z0-9-]+) ([^ ]+)( |$)'

	while IFS= read -r line; do
		[[ $line =~ $re ]] || continue
		if [ "$1" = "${BASH_REMATCH[2]}" ] || [ "$1" = "${BASH_REMATCH[3]}" ]; then
			echo "${BASH_REMATCH[4]}"
			return 0
		fi
	done
	return 1
}

# Every option in the usage on stdin.
_vmtool_options()
{
	local line re='^ +(-., +)?(--[a-z0-9-]+)'

	while IFS= read -r line; do
		[[ $line =~ $re ]] && echo "${BASH_REMATCH[2]}"
	done
	echo --help
}

# Complete $3 as an argument of kind $1; a NAME is one of $2.
_vmtool_reply()
{
	local cur=$3

	case $1 in
	NAME)
		mapfile -t COMPREPLY < <(compgen -W "$2" -- "$cur") ;;
	FILE*|PATH*)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
	DIR*)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -d -- "$cur") ;;
	*\|*)
		mapfile -t COMPREPLY < <(compgen -W "${1//|/ }" -- "$cur") ;;
	esac
}

_vmtool()
{
	local vmtool=$1 cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
	local cmd=${COMP_WORDS[1]} usage kind names=

	COMPREPLY=()
	if [ "$COMP_CWORD" -eq 1 ] || { [ "$cmd" = help ] && [ "$COMP_CWORD" -eq 2 ]; }; then
		_vmtool_reply NAME "$("$vmtool" --list-cmds 2>/dev/null)" "$cur"
		return
	fi
	usage=$("$vmtool" "$cmd" -h 2>/dev/null) || return

	# "--name=x" reaches us as three words.
	if [ "$cur" = = ]; then
		cur=
	elif [ "$prev" = = ] && [ "$COMP_CWORD" -gt 3 ]; then
		prev=${COMP_WORDS[COMP_CWORD-2]}
	fi
	# A command with --all is about guests that run; elsewhere a name is a new one.
	if [[ $usage == *--all* ]]; then
		names=$("$vmtool" list --quiet 2>/dev/null)
	fi

	if kind=$(_vmtool_value "$prev" <<< "$usage"); then
		_vmtool_reply "$kind" "$names" "$cur"
	elif [[ $cur == -* ]]; then
		_vmtool_reply NAME "$(_vmtool_options <<< "$usage")" "$cur"
	elif [ "$names" ]; then
		_vmtool_reply NAME "$names" "$cur"
	elif [[ $usage == *--kernel* ]]; then
		_vmtool_reply FILE "" "$cur"
	fi
}

complete -F _vmtool vmtool
