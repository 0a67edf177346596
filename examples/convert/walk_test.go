package main

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// planned returns the plan for arguments in which $ stands for a directory.
func planned(t *testing.T, dir string, args ...string) *plan {
	t.Helper()
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "$", dir)
	}
	s, err := parse(args)
	require.NoError(t, err)
	plan, err := s.makePlan(t.Context())
	require.NoError(t, err)
	return plan
}

// destinations returns where the files of a plan go, by name.
func (p *plan) destinations(dir string) map[string]string {
	destinations := map[string]string{}
	for _, f := range p.files {
		destinations[relative(f.name, dir)] = relative(f.destination, dir)
	}
	return destinations
}

func (p *plan) skippedLines(dir string) []string {
	lines := []string{}
	for _, line := range p.skipped.lines() {
		lines = append(lines, relative(line, dir))
	}
	return lines
}

func TestTreeIsMirrored(t *testing.T) {
	t.Parallel()
	dir := album(t, "docs/a.png", "docs/sub/b.tar.gz", "docs/sub/deep/c.d.png", "docs/out/old.png", "more/e.png")
	assert.Equal(t, map[string]string{
		"$/docs/a.png":            "$/docs/out/a.pdf",
		"$/docs/sub/b.tar.gz":     "$/docs/out/sub/b.pdf",
		"$/docs/sub/deep/c.d.png": "$/docs/out/sub/deep/c.d.pdf",
		"$/more/e.png":            "$/docs/out/e.pdf",
	}, planned(t, dir, "-to", "pdf", "-o", "$/docs/out", "$/docs", "$/more/").destinations(dir))
}

func TestWalkSkipsAndSaysWhat(t *testing.T) {
	t.Parallel()
	dir := album(t, "in/a.png", "in/sub/b.png", "in/.hidden.png", "in/.git/c.png", "in/README", "in/sub/trailing.", "in/.part",
		"in/d.JPEG", "in/e.jpg.XYZ.part", "in/f.a b", "in/j.txt", "in/j.txt.lock")
	plan := planned(t, dir, "-to", "jpg", "-resume", "$/in/j.txt", "$/in")
	assert.Equal(t, map[string]string{"$/in/a.png": "$/in/a.jpg", "$/in/sub/b.png": "$/in/sub/b.jpg"}, plan.destinations(dir))
	assert.Equal(t, []string{
		"skipped, hidden (3): $/in/.git, $/in/.hidden.png, $/in/.part",
		"skipped, unknown format (3): $/in/README, $/in/f.a b, $/in/sub/trailing.",
		"skipped, in the format already (1): $/in/d.JPEG",
		"skipped, unfinished download (1): $/in/e.jpg.XYZ.part",
	}, plan.skippedLines(dir))
	assert.Equal(t, 8, plan.skipped.count)
	assert.Empty(t, plan.failures)
}

func TestLinks(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		return // where links take a privilege
	}
	dir := album(t, "in/a.png", "in/sub/b.png", "outside.png")
	for link, target := range map[string]string{
		"in/near.png": "a.png", "in/sub/up.png": filepath.Join("..", "a.png"), "in/far.png": filepath.Join("..", "outside.png"),
		"in/absolute.png": filepath.Join(dir, "outside.png"), "in/inside.png": filepath.Join(dir, "in", "a.png"),
		"in/dir": "sub", "in/loop": ".", "in/away": "..", "in/broken.png": "nothing.png", "in/self.png": "self.png", "alias": "in",
	} {
		require.NoError(t, os.Symlink(target, filepath.Join(dir, link)))
	}
	for _, root := range []string{"$/in", "$/alias"} {
		plan := planned(t, dir, "-to", "jpg", "-o", "$/out", root)
		assert.Equal(t, map[string]string{
			root + "/a.png": "$/out/a.jpg", root + "/near.png": "$/out/near.jpg", root + "/inside.png": "$/out/inside.jpg",
			root + "/sub/b.png": "$/out/sub/b.jpg", root + "/sub/up.png": "$/out/sub/up.jpg",
		}, plan.destinations(dir))
		assert.Equal(t, []string{
			"skipped, link that leaves the tree (3): " + root + "/absolute.png, " + root + "/away, " + root + "/far.png",
			"skipped, link to a directory (2): " + root + "/dir, " + root + "/loop",
			"skipped, broken link (2): " + root + "/broken.png, " + root + "/self.png",
		}, plan.skippedLines(dir))
	}
}

func TestUnreadableDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := &walker{settings: &settings{to: "jpg"}}
	w.walk(t.Context(), tree{root: dir, real: dir}, "missing") // fails like one without permission, also for root
	assert.Equal(t, []string{"skipped, unreadable directory (1): $/missing"}, w.skippedLines(dir))
	w.walk(t.Context(), tree{root: filepath.Join(dir, "missing")}, "")
	require.Len(t, w.failures, 1, "what was named is a failure")
	assert.Contains(t, w.failures[0].reason, "the directory cannot be read: ")
}

func TestSourcesThatCannotBeConverted(t *testing.T) {
	t.Parallel()
	dir := album(t, "a.png", "README", "x.jpg")
	for argument, reason := range map[string]string{
		"$/missing.png": "no such file or directory",
		"$/new.jpg":     "no such file or directory: to name it as the destination of one file, leave out -to",
		"$/README":      "its name does not show its format: add -from FORMAT",
		"$/*.bmp":       "no file matches",
		"$/[":           "the pattern is malformed",
		"$/x.jpg":       "it is jpg already: name another directory with -o",
	} {
		t.Run(argument, func(t *testing.T) {
			t.Parallel()
			plan := planned(t, dir, "-to", "jpg", argument, "$/a.png")
			require.Len(t, plan.failures, 1)
			assert.Equal(t, failure{argument, reason}, failure{relative(plan.failures[0].name, dir), plan.failures[0].reason})
			assert.Len(t, plan.files, 1)
		})
	}
	plan := planned(t, dir, "-to", "jpg", "--", "$/a.png", "-overwrite")
	require.Len(t, plan.failures, 1)
	assert.Contains(t, plan.failures[0].reason, "flags go before --")
}

func TestNamedFilesAreNotSkipped(t *testing.T) {
	t.Parallel()
	dir := album(t, ".hidden.png", "x.jpg", "README")
	assert.Equal(t, map[string]string{
		"$/.hidden.png": "$/out/.hidden.jpg", "$/x.jpg": "$/out/x.jpg",
	}, planned(t, dir, "-to", "jpg", "-o", "$/out", "$/.hidden.png", "$/x.jpg").destinations(dir))
	assert.Equal(t, map[string]string{"$/README": "$/README.jpg"}, planned(t, dir, "-to", "jpg", "-from", "png", "$/README").destinations(dir))
}

func TestWalkEndsWithContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := &settings{to: "jpg", sources: []string{album(t, "a.png")}}
	plan, err := s.makePlan(ctx)
	require.ErrorIs(t, err, context.Canceled)
	assert.Empty(t, plan.files)
}
