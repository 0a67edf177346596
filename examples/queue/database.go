package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

// database is the database of the queue. Both kinds are used through database/sql, so
// that everything else is the same for both.
type database struct {
	*sql.DB
	driver riverdriver.Driver[*sql.Tx]
	pool   *pgxpool.Pool // nil for SQLite
}

// open opens the queue. If create is set, it creates what is missing.
func open(ctx context.Context, s settings, create bool) (*database, error) {
	db, err := connect(ctx, s, create)
	if err != nil {
		return nil, fmt.Errorf("open %v: %w", &s, err)
	}
	if err := db.prepare(ctx, create); err != nil {
		return nil, errors.Join(fmt.Errorf("open %v: %w", &s, err), db.close())
	}
	return db, nil
}

func connect(ctx context.Context, s settings, create bool) (*database, error) {
	if s.url != "" {
		pool, err := pgxpool.New(ctx, s.url)
		if err != nil {
			return nil, err
		}
		db := stdlib.OpenDBFromPool(pool)
		return &database{DB: db, driver: riverdatabasesql.NewWithPgxListener(db, pool), pool: pool}, nil
	}
	path, err := filepath.Abs(s.file)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) && !create {
		return nil, errNoQueue
	}
	// Processes wait for each other for up to 10 seconds. A transaction takes the write
	// lock when it begins: SQLite does not wait for it once the transaction has read.
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: url.Values{
		"_txlock": {"immediate"},
		"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)"},
	}.Encode()}).String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // so the goroutines of a process wait for each other here
	return &database{DB: db, driver: riversqlite.New(db)}, nil
}

var errNoQueue = errors.New("there is no queue: add files first")

// prepare checks that the database is a queue that can be written, and creates the tables
// of River if create is set.
func (db *database) prepare(ctx context.Context, create bool) error {
	migrator, err := rivermigrate.New(db.driver, &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	if create {
		if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
			return err
		}
	}
	current, err := migrator.Validate(ctx, nil)
	if err != nil {
		return err
	}
	if !current.OK {
		return errNoQueue
	}
	return nil
}

func (db *database) close() error {
	err := db.Close()
	if db.pool != nil {
		db.pool.Close()
	}
	return err
}

// client returns a client of River for commands that do not work on files.
func (db *database) client(logger *slog.Logger) (*river.Client[*sql.Tx], error) {
	return river.NewClient(db.driver, &river.Config{Logger: logger})
}
