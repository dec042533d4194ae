package vaulttest

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Forms returns the ways in which a secret of at least 12 bytes could stand in a file, by
// name: as it is, in hexadecimal, decimal, and in base64 at every alignment.
func Forms(secret []byte) map[string][]byte {
	f := map[string][]byte{
		"raw": secret, "hex": []byte(hex.EncodeToString(secret)), "HEX": []byte(strings.ToUpper(hex.EncodeToString(secret))),
		"decimal":       []byte(strings.Trim(fmt.Sprint(secret[:12]), "[]")),
		"decimal, JSON": []byte(strings.ReplaceAll(strings.Trim(fmt.Sprint(secret[:12]), "[]"), " ", ",")),
	}
	for shift := range 3 { // base64 of something that has the secret inside
		padded := append(make([]byte, shift), secret...)
		text := base64.StdEncoding.EncodeToString(padded)
		f[fmt.Sprintf("base64 shifted by %d", shift)] = []byte(text[4 : len(text)-4])
		f[fmt.Sprintf("base64url shifted by %d", shift)] = []byte(strings.NewReplacer("+", "-", "/", "_").Replace(text[4 : len(text)-4]))
	}
	return f
}

// Search looks for named secrets in every regular file under the paths, in each of their
// Forms. It returns where it found one, and how many files it read.
func Search(secrets map[string][]byte, paths ...string) (found []string, files int, err error) {
	for _, root := range paths {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			files++
			for name, secret := range secrets {
				for form, bytesOf := range Forms(secret) {
					if bytes.Contains(content, bytesOf) {
						found = append(found, fmt.Sprintf("%s in %s (%s)", name, path, form))
					}
				}
			}
			return nil
		})
		if err != nil {
			return nil, files, err
		}
	}
	return found, files, nil
}
