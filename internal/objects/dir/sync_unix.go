//go:build !windows

package dir

import "os"

// syncFolder brings the names in folder to the disk. A folder that is gone has none.
func (s *Store) syncFolder(folder string) error {
	if !s.sync {
		return nil
	}
	f, err := os.Open(folder)
	if isGone(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
