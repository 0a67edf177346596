// Command peak makes one transfer and prints how many KiB of memory the process had at
// its peak. It runs on Linux, and is what BenchmarkPeakMemory measures.
//
//	peak upload|download raw|sdk URL FILE BYTES
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/cloudconvert/cloudconvert-go"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "peak:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 5 {
		return errors.New("usage: peak upload|download raw|sdk URL FILE BYTES")
	}
	size, err := strconv.ParseInt(args[4], 10, 64)
	if err != nil {
		return err
	}
	t := transfer{url: args[2], path: args[3], size: size}
	ways := map[string]func(context.Context) error{
		"upload raw": t.uploadRaw, "upload sdk": t.upload, "download raw": t.downloadRaw, "download sdk": t.download,
	}
	way := ways[args[0]+" "+args[1]]
	if way == nil {
		return fmt.Errorf("there is no %s by %s", args[0], args[1])
	}
	if err := way(ctx); err != nil {
		return err
	}
	return printPeak()
}

type transfer struct {
	url, path string
	size      int64
}

func (t transfer) upload(ctx context.Context) error {
	client, err := cloudconvert.NewClient("an-invented-key")
	if err != nil {
		return err
	}
	task := cloudconvert.Task{
		ID: "task", Operation: cloudconvert.OperationImportUpload, Status: cloudconvert.StatusWaiting,
		Result: cloudconvert.TaskResult{Form: &cloudconvert.UploadForm{URL: t.url}},
	}
	return client.Tasks.Upload(ctx, task, cloudconvert.FromFile(t.path))
}

func (t transfer) download(ctx context.Context) error {
	client, err := cloudconvert.NewClient("an-invented-key")
	if err != nil {
		return err
	}
	return t.toFile(func(file *os.File) error {
		_, err := client.Download(ctx, cloudconvert.File{Filename: "file", Size: t.size, URL: t.url}, file)
		return err
	})
}

// uploadRaw sends the same form by the least code of net/http.
func (t transfer) uploadRaw(ctx context.Context) error {
	file, err := os.Open(t.path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was only read
	prefix := "--boundary\r\nContent-Disposition: form-data; name=\"file\"; filename=\"video.mp4\"\r\n\r\n"
	suffix := "\r\n--boundary--\r\n"
	body := io.MultiReader(strings.NewReader(prefix), file, strings.NewReader(suffix))
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url, body)
	if err != nil {
		return err
	}
	request.ContentLength = int64(len(prefix)) + t.size + int64(len(suffix))
	request.Header.Set("Content-Type", "multipart/form-data; boundary=boundary")
	resp, err := new(http.Client).Do(request)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

func (t transfer) downloadRaw(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, t.url, http.NoBody)
	if err != nil {
		return err
	}
	resp, err := new(http.Client).Do(request)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return t.toFile(func(file *os.File) error {
		_, err := io.Copy(file, resp.Body)
		return err
	})
}

func (t transfer) toFile(write func(*os.File) error) error {
	file, err := os.Create(t.path)
	if err != nil {
		return err
	}
	return errors.Join(write(file), file.Close())
}

// printPeak prints the largest resident set that the kernel has seen.
func printPeak() error {
	status, err := os.Open("/proc/self/status")
	if err != nil {
		return err
	}
	defer func() { _ = status.Close() }() // it was only read
	lines := bufio.NewScanner(status)
	for lines.Scan() {
		if fields := strings.Fields(lines.Text()); len(fields) > 1 && fields[0] == "VmHWM:" {
			fmt.Println(fields[1])
			return nil
		}
	}
	return errors.New("the kernel does not tell the peak of memory")
}
