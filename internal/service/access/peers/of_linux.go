package peers

import (
	"net"

	"golang.org/x/sys/unix"
)

// of asks the kernel who opened a connection (SO_PEERCRED).
func of(conn *net.UnixConn) (credentials, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return credentials{}, err
	}
	var who *unix.Ucred
	var asked error
	if err := raw.Control(func(fd uintptr) {
		who, asked = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil {
		return credentials{}, err
	}
	if asked != nil {
		return credentials{}, asked
	}
	return credentials{who.Uid, who.Gid}, nil
}
