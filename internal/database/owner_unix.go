//go:build unix

package database

import (
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// GiveToOwner gives a file that root has created to the owner of its folder, which is the
// user of the service.
func GiveToOwner(file string) error {
	folder, err := os.Stat(filepath.Dir(file))
	if err != nil || os.Geteuid() != 0 {
		return err
	}
	of, ok := folder.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	return os.Lchown(file, int(of.Uid), int(of.Gid))
}

// Owner is the name of a folder's owner, if root runs this and the folder is somebody else's.
func Owner(folder string) string {
	info, err := os.Stat(folder)
	if err != nil || os.Geteuid() != 0 {
		return ""
	}
	of, ok := info.Sys().(*syscall.Stat_t)
	if !ok || of.Uid == 0 {
		return ""
	}
	owner, err := user.LookupId(strconv.Itoa(int(of.Uid)))
	if err != nil {
		return ""
	}
	return owner.Username
}
