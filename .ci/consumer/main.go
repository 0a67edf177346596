// Command consumer stands for a user's program: the smallest one that imports only the root package.
package main

import (
	"context"
	"log"

	"github.com/cloudconvert/cloudconvert-go"
)

func main() {
	client, err := cloudconvert.NewClientFromEnv()
	if err != nil {
		log.Fatal(err)
	}
	paths, err := client.ConvertFile(context.Background(), "report.docx", "report.pdf")
	if err != nil {
		log.Fatal(err)
	}
	log.Println(paths)
}
