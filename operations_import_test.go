package cloudconvert_test

import "github.com/cloudconvert/cloudconvert-go"

var importCases = []taskCase{
	{
		full: cloudconvert.ImportURL{
			URL:         "https://example.com/a?b=1&c=<2>",
			Filename:    "report.docx",
			Headers:     map[string]string{"Authorization": "Bearer value"},
			IgnoreError: true,
			Options:     someOption,
		},
		minimal: cloudconvert.ImportURL{URL: "https://example.com/report.docx"},
	},
	{
		full: cloudconvert.ImportUpload{
			Redirect:    "https://example.com/done",
			IgnoreError: true,
			Options:     someOption,
		},
		minimal: cloudconvert.ImportUpload{},
	},
	{
		full: cloudconvert.ImportBase64{
			File:        "aGVsbG8=",
			Filename:    "hello.txt",
			IgnoreError: true,
			Options:     someOption,
		},
		minimal: cloudconvert.ImportBase64{File: "aGVsbG8=", Filename: "hello.txt"},
	},
	{
		full: cloudconvert.ImportRaw{
			File:        "<p>hällo & co</p>",
			Filename:    "hello.html",
			IgnoreError: true,
			Options:     someOption,
		},
		minimal: cloudconvert.ImportRaw{File: "hello", Filename: "hello.txt"},
	},
	{
		full: cloudconvert.ImportS3{
			Bucket:          "bucket",
			Region:          "eu-central-1",
			Endpoint:        "https://storage.example.com",
			Key:             "in/report.docx",
			KeyPrefix:       "in/",
			AccessKeyID:     "key-id",
			SecretAccessKey: "secret-key",
			SessionToken:    "token",
			Filename:        "report.docx",
			IgnoreError:     true,
			Options:         someOption,
		},
		minimal: cloudconvert.ImportS3{
			Bucket:          "bucket",
			Region:          "eu-central-1",
			Key:             "in/report.docx",
			AccessKeyID:     "key-id",
			SecretAccessKey: "secret-key",
		},
	},
	{
		full: cloudconvert.ImportAzureBlob{
			StorageAccount:   "account",
			StorageAccessKey: "YWNjZXNzIGtleQ==",
			SASToken:         "token",
			Container:        "container",
			Blob:             "report.docx",
			BlobPrefix:       "in/",
			Filename:         "report.docx",
			IgnoreError:      true,
			Options:          someOption,
		},
		minimal: cloudconvert.ImportAzureBlob{
			StorageAccount:   "account",
			StorageAccessKey: "YWNjZXNzIGtleQ==",
			Container:        "container",
			Blob:             "report.docx",
		},
	},
	{
		full: cloudconvert.ImportGoogleCloudStorage{
			ProjectID:   "project",
			Bucket:      "bucket",
			ClientEmail: "robot@example.com",
			PrivateKey:  aPrivateKey,
			File:        "report.docx",
			FilePrefix:  "in/",
			Filename:    "report.docx",
			IgnoreError: true,
			Options:     someOption,
		},
		minimal: cloudconvert.ImportGoogleCloudStorage{
			ProjectID:   "project",
			Bucket:      "bucket",
			ClientEmail: "robot@example.com",
			PrivateKey:  aPrivateKey,
			File:        "report.docx",
		},
	},
	{
		full: cloudconvert.ImportOpenStack{
			AuthURL:     "https://identity.example.com",
			Username:    "user",
			Password:    "password",
			Region:      "region",
			Container:   "container",
			TenantName:  "tenant",
			File:        "report.docx",
			FilePrefix:  "in/",
			Filename:    "report.docx",
			IgnoreError: true,
			Options:     someOption,
		},
		minimal: cloudconvert.ImportOpenStack{
			AuthURL:   "https://identity.example.com",
			Username:  "user",
			Password:  "password",
			Region:    "region",
			Container: "container",
			File:      "report.docx",
		},
	},
	{
		full: cloudconvert.ImportSFTP{
			Host:        "sftp.example.com",
			Port:        2222,
			Username:    "user",
			Password:    "password",
			PrivateKey:  aPrivateKey,
			File:        "in/report.docx",
			Path:        "in",
			Filename:    "report.docx",
			IgnoreError: true,
			Options:     someOption,
		},
		minimal: cloudconvert.ImportSFTP{
			Host:     "sftp.example.com",
			Username: "user",
			Password: "password",
			File:     "in/report.docx",
		},
	},
}
