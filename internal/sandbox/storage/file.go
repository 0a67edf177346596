package storage

import "time"

// File is a file of a task. Its blob is nil only for the refused files of a sandbox.
type File struct {
	Name string
	Dir  string
	Blob *Blob
	Size int64
	MD5  string

	object string // path in the storage, if published
	inline bool
	stored time.Time
	signed time.Time // when the URL was signed
}

// Publish makes a file downloadable under the first of the given keys that is not taken.
// With inline, a browser shows the file in place of saving it.
func (s *Storage) Publish(f *File, inline bool, keys ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f.object = range keys {
		if _, taken := s.objects[f.object]; !taken {
			break
		}
	}
	f.inline, f.stored = inline, s.clock.Now()
	s.objects[f.object] = f
}

// URL returns the signed URL of a file, or "" if it is not published. It returns the same
// URL for the first half of its lifetime.
func (s *Storage) URL(f *File) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.object == "" {
		return ""
	}
	now := s.clock.Now()
	if f.signed.IsZero() || now.Sub(f.signed) > s.cfg.URLLifetime/2 {
		f.signed = now
	}
	return s.signFileURL(f, f.signed)
}

// Free releases files and makes their URLs invalid.
func (s *Storage) Free(files ...*File) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range files {
		if f.object != "" {
			delete(s.objects, f.object)
		}
		if f.Blob != nil {
			s.Release(f.Blob)
		}
	}
}

// openObject returns the file of a key. The caller releases its blob.
func (s *Storage) openObject(key string) (File, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.objects[key]
	if !ok {
		return File{}, false
	}
	s.Retain(f.Blob)
	return *f, true
}
