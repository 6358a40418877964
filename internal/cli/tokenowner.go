package cli

import "io/fs"

// owner is whose a file is, and who may read it.
type owner struct {
	user, group int
	mode        fs.FileMode
}

// ownerOfTokens is whose the file of tokens shall be: as it was, and of a new one that
// root makes, that of its folder. A folder of root that another group may enter, as
// packages make /etc/bos, is there for that group to read what is in it. known is false
// where nothing is to be said: the file is its maker's.
func ownerOfTokens(before *owner, folder owner, root bool) (whose owner, known bool) {
	switch {
	case before != nil:
		return *before, true
	case !root:
		return owner{}, false
	case folder.user != 0:
		return owner{folder.user, folder.group, 0o600}, true
	case folder.group != 0:
		return owner{0, folder.group, 0o640}, true
	}
	return owner{}, false
}

// mustGive reports whether a file has to change hands to be read by who shall. A group
// that may do nothing with it need not be the same.
func mustGive(own, whose owner) bool {
	return own.user != whose.user || own.group != whose.group && whose.mode&0o070 != 0
}
