//go:build unix

package database

import (
	"os"
	"path/filepath"
	"syscall"
)

// GiveToOwner gives a file that root has made to the owner of its folder: the service
// runs as that user, and could not open it otherwise.
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
