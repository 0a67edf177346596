package catalog

import (
	"maps"
	"slices"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/wire"
)

// Entry is an item of the catalog, as the API lists it.
type Entry struct {
	Operation      string          `json:"operation"`
	InputFormat    *string         `json:"input_format"`
	OutputFormat   *string         `json:"output_format"`
	Engine         *string         `json:"engine"`
	Credits        int             `json:"credits"`
	Meta           any             `json:"meta"`
	Deprecated     bool            `json:"deprecated"`
	Experimental   bool            `json:"experimental"`
	Options        []Option        `json:"options,omitzero"`
	EngineVersions []EngineVersion `json:"engine_versions,omitzero"`
}

// EngineVersion is a version of an engine.
type EngineVersion struct {
	Version      string `json:"version"`
	Default      bool   `json:"default"`
	Latest       bool   `json:"latest"`
	Deprecated   bool   `json:"deprecated"`
	Experimental bool   `json:"experimental"`
}

// Query selects items of the catalog. An empty field selects all.
type Query struct {
	Operation, InputFormat, OutputFormat, Engine, EngineVersion string

	// Options and EngineVersions include these parts of the items.
	Options, EngineVersions bool
}

// List returns the items for all pairs that have an engine and match. The pairs are those
// of the service, and more.
func List(q Query, more []Pair, engine func(Pair) (Engine, bool)) []Entry {
	pairs := Pairs()
	if q.Operation != "" {
		pairs = pairsOf(q.Operation)
	}
	seen := map[Pair]bool{} // with the engine
	items := []Entry{}
	for _, p := range slices.Concat(pairs, more) {
		if !q.selects(p) {
			continue
		}
		e, ok := engine(p)
		key := p
		key.Engine = e.Name
		if !ok || seen[key] || !q.selectsEngine(e) {
			continue
		}
		seen[key] = true
		items = append(items, q.entry(p, e))
	}
	return items
}

func (q Query) selects(p Pair) bool {
	return (q.Operation == "" || p.Operation == q.Operation) && (q.InputFormat == "" || p.From == q.InputFormat) &&
		(q.OutputFormat == "" || p.To == q.OutputFormat)
}

func (q Query) selectsEngine(e Engine) bool {
	return (q.Engine == "" || e.Name == q.Engine) &&
		(q.EngineVersion == "" ||
			slices.ContainsFunc(versionsOf(e), func(v EngineVersion) bool { return v.Version == q.EngineVersion }))
}

// entry returns the item for a pair. An empty format becomes null.
func (q Query) entry(p Pair, e Engine) Entry {
	item := Entry{
		Operation: p.Operation, InputFormat: wire.OrNull(p.From), OutputFormat: wire.OrNull(p.To), Engine: wire.OrNull(e.Name),
		Credits: Operations[p.Operation].Credits, Meta: []string{}, // how the service writes an empty object
	}
	if group := groupOf[p.From]; group != "" {
		item.Meta = map[string]string{"group": group}
	}
	if q.Options {
		item.Options = optionsOf(p)
	}
	if q.EngineVersions {
		item.EngineVersions = versionsOf(e)
	}
	return item
}

// versionsOf returns the known versions of an engine: the one that it has, and the others
// of the service if that is one of them.
func versionsOf(e Engine) []EngineVersion {
	names := versions[e.Name]
	if !slices.Contains(names, e.Version) {
		names = nil
		if e.Version != "" {
			names = []string{e.Version}
		}
	}
	out := make([]EngineVersion, len(names))
	for i, name := range names {
		out[i] = EngineVersion{Version: name, Default: name == e.Version, Latest: i == 0}
	}
	return out
}

// names are the names of all operations, sorted.
var names = slices.Sorted(maps.Keys(Operations))
