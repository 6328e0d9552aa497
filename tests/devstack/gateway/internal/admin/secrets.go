package admin

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/tls"
	"encoding/base64"
	"strings"

	"devstack/gateway/internal/apischema"
	"devstack/gateway/internal/store"
)

// dataKey is the first key of APISIX's default configuration (apisix.data_encryption.keyring), with which it encrypts: key
// and IV at once.
const dataKey = "qeddd145sfvddff3"

func encrypt(text string) string {
	block, err := aes.NewCipher([]byte(dataKey))
	if err != nil {
		return text
	}
	padding := aes.BlockSize - len(text)%aes.BlockSize
	data := append([]byte(text), bytes.Repeat([]byte{byte(padding)}, padding)...)
	cipher.NewCBCEncrypter(block, []byte(dataKey)).CryptBlocks(data, data)
	return base64.StdEncoding.EncodeToString(data)
}

// encrypted prepares what a PUT answers: plugin fields that APISIX encrypts come back as ciphertext there, though a GET
// gives them in clear. A client key of an upstream is stored as ciphertext, so a GET gives ciphertext too.
func (c *checker) encrypted(value map[string]any) func(*store.Object) any {
	for _, upstream := range []any{value, value["upstream"]} {
		fields, _ := upstream.(map[string]any)
		tlsFields, _ := fields["tls"].(map[string]any)
		if key, ok := tlsFields["client_key"].(string); ok && strings.HasPrefix(key, "---") {
			tlsFields["client_key"] = encrypt(key)
		}
	}
	plugins, _ := value["plugins"].(map[string]any)
	secret := false
	for name := range plugins {
		if plugin := c.schemas.Plugins[name]; plugin != nil && len(plugin.EncryptFields) > 0 {
			secret = true
		}
	}
	return func(object *store.Object) any {
		if !secret {
			return object.Raw
		}
		shown, _ := apischema.Copy(object.Value).(map[string]any)
		shownPlugins, _ := shown["plugins"].(map[string]any)
		for name, conf := range shownPlugins {
			for _, path := range c.schemas.Plugins[name].EncryptFields {
				encryptField(conf, path)
			}
		}
		return shown
	}
}

// encryptField encrypts the strings at a dotted path: one, a list's, or a map's; lists on the way are walked.
func encryptField(conf any, path string) {
	if list, ok := conf.([]any); ok {
		for _, item := range list {
			encryptField(item, path)
		}
		return
	}
	object, ok := conf.(map[string]any)
	if !ok {
		return
	}
	name, rest, deeper := strings.Cut(path, ".")
	if deeper {
		encryptField(object[name], rest)
		return
	}
	switch value := object[name].(type) {
	case string:
		object[name] = encrypt(value)
	case []any:
		for i, item := range value {
			if text, ok := item.(string); ok {
				value[i] = encrypt(text)
			}
		}
	case map[string]any:
		for key, item := range value {
			if text, ok := item.(string); ok {
				value[key] = encrypt(text)
			}
		}
	}
}

// tlsProblem checks the certificate and key that an upstream shows to its nodes.
func tlsProblem(raw any) string {
	fields, _ := raw.(map[string]any)
	if id, ok := store.ReferenceID(fields["client_cert_id"]); ok {
		return "failed to fetch ssl info by ssl id [" + id + "], response code: 404"
	}
	cert, ok := fields["client_cert"].(string)
	if !ok {
		return ""
	}
	key, _ := fields["client_key"].(string)
	if _, err := tls.X509KeyPair([]byte(cert), []byte(key)); err != nil {
		return "failed to parse cert: " + err.Error()
	}
	return ""
}
