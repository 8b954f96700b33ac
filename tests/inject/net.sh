# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Network cards: what a host call that fails does to frames. A network may lose some,
# but a stream is never torn, and only the end of the peer takes the link down.

net_prepare() {
	[ "$1" != tap ] || unshare -n true 2> /dev/null || skip 'no network namespace of our own'
	[ "$1" != tap ] || [ -w /dev/net/tun ] || skip 'no /dev/net/tun'
}

# net TEXT EXPECTED INJECTIONS BACKEND STEP...
net() {
	inject_case net "$@"
}

# ---- the stream of passt

fine='tx 8 taken 8 arrived; rx 8 arrived; link up'
net 'stream, no errors' "$fine" '' stream tx:8 rx:8
net 'stream, large frames and single bytes' \
	'tx 5 taken 5 arrived; rx 2 arrived; tx 8 taken 8 arrived; link up' '' \
	stream big:5 drip:2 tx:8
for error in EAGAIN EINTR; do
	net "stream, $error of a send" "$fine" "sendmmsg:error=$error:when=1" stream tx:8 rx:8
	net "stream, $error of all odd sends" "$fine" "sendmmsg:error=$error:when=1+2" \
		stream tx:8 rx:8
	net "stream, $error within a frame" 'tx 3 taken 3 arrived; tx 8 taken 8 arrived; link up' \
		"sendto:error=$error:when=1+2" stream big:3 tx:8
done
for error in ENOBUFS ENOMEM EIO; do
	net "stream, $error of a send" 'tx 8 taken 7 arrived; rx 8 arrived; link up' \
		"sendmmsg:error=$error:when=1" stream tx:8 rx:8
	# What has begun is brought to its end.
	net "stream, $error within a frame" 'tx 3 taken 3 arrived; tx 8 taken 8 arrived; link up' \
		"sendto:error=$error:when=1+2" stream big:3 tx:8
done
for error in EPIPE ECONNRESET; do
	net "stream, $error of a send" \
		'tx 8 taken 0 arrived; rx 0 arrived; tx 8 taken 0 arrived; link down' \
		"sendmmsg:error=$error:when=1" stream tx:8 rx:8 tx:8
	net "stream, $error within a frame" 'tx 3 taken 0 arrived; tx 8 taken 0 arrived; link down' \
		"sendto:error=$error:when=1" stream big:3 tx:8
done
for error in EAGAIN EINTR ENOMEM EIO; do
	net "stream, $error of a receive" "$fine" "recvfrom:error=$error:when=1+2" \
		stream tx:8 rx:8
	net "stream, $error within a frame, receiving" 'rx 2 arrived; link up' \
		"recvfrom:error=$error:when=1+3" stream drip:2
done
net 'stream, ECONNRESET of a receive' 'rx 0 arrived; tx 8 taken 0 arrived; link down' \
	'recvfrom:error=ECONNRESET:when=2' stream rx:8 tx:8
net 'stream, no memory to wait' 'tx * taken * arrived; link up, needs a reset' \
	'sendmmsg:error=EAGAIN:when=1 fcntl:error=EMFILE:when=2+' stream tx:8

# ---- a network among guests

net 'lan, no errors' "$fine" '' lan tx:8 rx:8
net 'lan, EINTR of sends and receives' "$fine" \
	'sendmsg:error=EINTR:when=1+2 recvfrom:error=EINTR:when=1+2' lan tx:8 rx:8
for error in EAGAIN ENOBUFS ENOMEM EIO; do
	net "lan, $error of a send" 'tx 8 taken 7 arrived; rx 8 arrived; link up' \
		"sendmsg:error=$error:when=3" lan tx:8 rx:8
	net "lan, $error of a receive" "$fine" "recvfrom:error=$error:when=1" lan tx:8 rx:8
done
net 'lan, EPIPE of a send' 'tx 8 taken 0 arrived; link up' \
	'sendmsg:error=EPIPE:when=1' lan tx:8
net 'lan, ECONNRESET of a receive' 'rx 0 arrived; link up' \
	'recvfrom:error=ECONNRESET:when=1' lan rx:8
for error in EINTR ECONNABORTED EAGAIN; do
	net "lan, $error of an accept" "$fine" "accept4:error=$error:when=1" lan tx:8 rx:8
done
net 'lan, EMFILE of all accepts' 'tx 8 taken 0 arrived; rx 0 arrived; link up' \
	'accept4:error=EMFILE' lan tx:8 rx:8
for call in bind:1 listen:1 epoll_create1:2; do
	net "lan, no ${call%:*}" 'realize: Cannot allocate memory' \
		"${call%:*}:error=ENOMEM:when=${call#*:}" lan tx:1
done

# ---- an interface of the host

fine='ask 6 answered; link up'
net 'tap, no errors' "$fine" '' tap ask:6
for error in EAGAIN EINTR; do
	net "tap, $error of a send" "$fine" "writev:error=$error:when=1+2" tap ask:6
done
for error in EIO ENOMEM ENOBUFS; do
	net "tap, $error of a send" 'ask 5 answered; link up' "writev:error=$error:when=2" \
		tap ask:6
done
for error in EAGAIN EINTR EIO ENOMEM ENOBUFS; do
	net "tap, $error of a receive" "$fine" "read:error=$error:when=20+2" tap ask:6
done
net 'tap, EBADFD of a send' 'ask 0 answered; link down' 'writev:error=EBADFD:when=1' tap ask:3
