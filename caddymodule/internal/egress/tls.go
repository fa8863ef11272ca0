package egress

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
)

// maxCAFile bounds, in bytes, a file of certificates.
const maxCAFile = 4 << 20

// TLS returns a client's configuration: TLS 1.2 or newer, with certificates
// always verified; there is no way to switch that off. With a caFile, those
// certificates are trusted and no others. A file that cannot be read or holds no
// certificate is an error, never the system's trust instead.
func TLS(caFile string) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if caFile == "" {
		return config, nil
	}
	data, err := readCA(caFile)
	if err != nil {
		return nil, fmt.Errorf("ca_file %s: %w", caFile, err)
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("ca_file %s: holds no certificate in PEM form", caFile)
	}
	return config, nil
}

func readCA(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxCAFile+1))
	if err == nil && len(data) > maxCAFile {
		err = fmt.Errorf("larger than %d MiB", maxCAFile>>20)
	}
	return data, err
}
