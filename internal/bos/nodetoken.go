package bos

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
)

// NodeKeySize is that of the key that node tokens are made with, in bytes.
const NodeKeySize = 32

// nodeTokenBytes is how much of the code is kept: what nobody guesses, in 32
// characters of a command line that has room for 2,047.
const nodeTokenBytes = 24

// NodeToken proves that a node is an xname and has the boot parameters of a referral
// token: only who has the key can make it, and it is handed out in the boot script of
// this node alone. The referral token itself is shared by all nodes of one write.
func NodeToken(key []byte, xname, referral string) string {
	code := hmac.New(sha256.New, key)
	for _, part := range []string{"bos node token 1", xname, referral} {
		code.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part)))) // "ab"+"c" is not "a"+"bc"
		code.Write([]byte(part))
	}
	return base64.RawURLEncoding.EncodeToString(code.Sum(nil)[:nodeTokenBytes])
}

// CheckNodeToken reports whether a token is that of the node for these parameters.
func CheckNodeToken(key []byte, xname, referral, token string) bool {
	return len(key) >= NodeKeySize && hmac.Equal([]byte(token), []byte(NodeToken(key, xname, referral)))
}
