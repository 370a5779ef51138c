//go:build unix

package database

import (
	"os"
	"path/filepath"
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
