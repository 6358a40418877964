package doctor

import "syscall"

// The types of file systems of the network on which SQLite's locks do not hold.
const (
	nfsMagic = 0x6969
	smbMagic = 0xfe534d42
	cifs     = 0xff534d42
)

// room is how many bytes are left in a folder, and whether it is on the network.
func room(folder string) (free uint64, remote, ok bool) {
	var st syscall.Statfs_t
	if syscall.Statfs(folder, &st) != nil {
		return 0, false, false
	}
	kind := uint32(st.Type)
	return st.Bavail * uint64(st.Bsize), kind == nfsMagic || kind == smbMagic || kind == cifs, true
}
