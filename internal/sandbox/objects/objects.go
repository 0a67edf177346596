// Package objects has the objects of storage services, which imports read and exports
// write. They are kept for a day, or in a folder without end. Local files can be
// registered as objects.
package objects

import (
	"container/list"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/clock"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/storage"
)

// retention is how long an exported object is kept.
const retention = 24 * time.Hour

// ErrNotFound is the error of an import without an object.
var ErrNotFound = errors.New("there is no such object")

// Store has the objects of all services.
type Store struct {
	blobs  *storage.Blobs
	clock  *clock.Clock
	folder *folder // nil if objects are kept in blobs

	mu         sync.Mutex
	registered map[string]map[string]string // paths by service and key
	exported   map[bucket]map[string]*list.Element
	oldest     list.List // of *object, in the order they expire
}

// bucket is a bucket, a container or a host.
type bucket struct{ service, name string }

// object is an exported object.
type object struct {
	bucket  bucket
	key     string
	blob    *storage.Blob
	expires time.Time
}

// New returns a store that keeps objects in a directory, or in blobs if dir is empty.
func New(blobs *storage.Blobs, c *clock.Clock, dir string) (*Store, error) {
	s := &Store{
		blobs: blobs, clock: c, registered: map[string]map[string]string{}, exported: map[bucket]map[string]*list.Element{},
	}
	if dir != "" {
		var err error
		if s.folder, err = openFolder(dir); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Close closes the directory.
func (s *Store) Close() error {
	if s.folder == nil {
		return nil
	}
	return s.folder.root.Close()
}

// Register makes the local file at path an object that an import operation finds in every
// bucket, before others of its key. An empty path removes it.
func (s *Store) Register(operation, key, path string) {
	l := Locate(operation, func(string) string { return key })
	s.mu.Lock()
	defer s.mu.Unlock()
	if path == "" {
		delete(s.registered[l.service], l.key)
		return
	}
	if s.registered[l.service] == nil {
		s.registered[l.service] = map[string]string{}
	}
	s.registered[l.service][l.key] = path
}

// Keys returns the keys that an import names, in their order: its key, or those of all
// objects with its prefix.
func (s *Store) Keys(l Location) ([]string, error) {
	if l.key != "" {
		return []string{l.key}, nil
	}
	keys := s.withPrefix(l)
	if s.folder != nil {
		found, err := s.folder.list(l)
		if err != nil && len(keys) == 0 {
			return nil, err
		}
		keys = append(keys, found...)
	}
	if len(keys) == 0 {
		return nil, l.notFound()
	}
	slices.Sort(keys)
	return slices.Compact(keys), nil
}

func (s *Store) withPrefix(l Location) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	var keys []string
	for key := range s.registered[l.service] {
		if strings.HasPrefix(key, l.prefix) {
			keys = append(keys, key)
		}
	}
	for key := range s.exported[bucket{l.service, l.bucket}] {
		if strings.HasPrefix(key, l.prefix) {
			keys = append(keys, key)
		}
	}
	return keys
}

// Read returns the content of the object with a key of [Store.Keys], with an extension on
// disk. The caller releases it.
func (s *Store) Read(l Location, key, ext string) (*storage.Blob, error) {
	l.key = key
	path, b := s.find(l)
	switch {
	case b != nil:
		return s.blobs.WithExtension(b, ext)
	case path != "":
		f, err := os.Open(path)
		if err != nil {
			return nil, errors.New("the registered file cannot be read")
		}
		return s.write(f, ext)
	case s.folder == nil:
		return nil, l.notFound()
	}
	f, err := s.folder.open(l)
	if err != nil {
		return nil, err
	}
	return s.write(f, ext)
}

// find returns the path of a registered object, or the blob of an exported one with one
// more user.
func (s *Store) find(l Location) (path string, b *storage.Blob) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	if path = s.registered[l.service][l.key]; path != "" {
		return path, nil
	}
	if e, ok := s.exported[bucket{l.service, l.bucket}][l.key]; ok {
		return "", s.blobs.Retain(objectOf(e).blob)
	}
	return "", nil
}

// write stores the content of a file and closes it.
func (s *Store) write(f *os.File, ext string) (*storage.Blob, error) {
	b, err := s.blobs.Write(ext, f)
	return b, errors.Join(err, f.Close())
}

// Write exports files. It refuses all of them if one has no valid key.
func (s *Store) Write(l Location, files []storage.File) error {
	keys, err := l.keysOf(files)
	if err != nil {
		return err
	}
	if s.folder != nil {
		return s.folder.write(l, keys, files)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	for i, f := range files {
		s.add(&object{bucket{l.service, l.bucket}, keys[i], s.blobs.Retain(f.Blob), s.clock.Now().Add(retention)})
	}
	return nil
}

func (s *Store) add(o *object) {
	if e, ok := s.exported[o.bucket][o.key]; ok {
		s.remove(e)
	}
	if s.exported[o.bucket] == nil {
		s.exported[o.bucket] = map[string]*list.Element{}
	}
	s.exported[o.bucket][o.key] = s.oldest.PushBack(o)
}

func (s *Store) remove(e *list.Element) {
	o := objectOf(e)
	s.oldest.Remove(e)
	delete(s.exported[o.bucket], o.key)
	if len(s.exported[o.bucket]) == 0 {
		delete(s.exported, o.bucket)
	}
	s.blobs.Release(o.blob)
}

func objectOf(e *list.Element) *object {
	o, _ := e.Value.(*object) // nothing else is in the list
	return o
}

// Expire releases the objects that were exported a day ago.
func (s *Store) Expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
}

func (s *Store) expire() {
	now := s.clock.Now()
	for e := s.oldest.Front(); e != nil && !now.Before(objectOf(e).expires); e = s.oldest.Front() {
		s.remove(e)
	}
}
