// Command consumer is the first program of the README.
package main

import (
	"context"
	"log"

	"github.com/cloudconvert/cloudconvert-go"
)

func main() {
	client, err := cloudconvert.NewClientFromEnv() // reads CLOUDCONVERT_API_KEY
	if err != nil {
		log.Fatal(err)
	}
	paths, err := client.ConvertFile(context.Background(), "report.docx", "report.pdf")
	if err != nil {
		log.Fatal(err)
	}
	log.Println("written:", paths)
}
