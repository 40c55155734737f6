// Package addons has the manifests of what runs in kube-system, named and labelled as on k3s.
package addons

import (
	"bytes"
	"embed"
	"text/template"

	"todo-chat/offline/cluster/internal/options"
)

//go:embed manifests/*.yaml
var files embed.FS

var templates = template.Must(template.ParseFS(files, "manifests/*.yaml"))

// Values fill in the manifests.
type Values struct {
	Image      string // the one image of all these pods: an empty root and the helper program
	Programs   string // the node's folder with the programs, mounted into the pods
	Storage    string // the node's folder for volumes
	ClusterDNS string // address of the service kube-dns
}

// always are manifests that no flag leaves out.
var always = []string{"node"}

// Render gives the text of each manifest that the options ask for, by name.
func Render(o options.Options, values Values) (map[string][]byte, error) {
	names := append([]string{}, always...)
	for _, addon := range options.Addons {
		if o.Enabled(addon) && templates.Lookup(addon+".yaml") != nil {
			names = append(names, addon)
		}
	}
	texts := map[string][]byte{}
	for _, name := range names {
		var text bytes.Buffer
		if err := templates.ExecuteTemplate(&text, name+".yaml", values); err != nil {
			return nil, err
		}
		texts[name] = text.Bytes()
	}
	return texts, nil
}
