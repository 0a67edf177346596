package cloudconvert_test

import "github.com/cloudconvert/cloudconvert-go"

var exportCases = []taskCase{
	{
		full: cloudconvert.ExportURL{
			Input:                twoInputs,
			Inline:               true,
			ArchiveMultipleFiles: true,
			IgnoreError:          true,
			Options:              someOption,
		},
		minimal: cloudconvert.ExportURL{Input: oneInput},
	},
	{
		full: cloudconvert.ExportS3{
			Input:                twoInputs,
			Bucket:               "bucket",
			Region:               "eu-central-1",
			Endpoint:             "https://storage.example.com",
			Key:                  "out/page-%d.pdf",
			KeyPrefix:            "out/",
			AccessKeyID:          "key-id",
			SecretAccessKey:      "secret-key",
			SessionToken:         "token",
			ACL:                  cloudconvert.S3ACLPublicRead,
			CacheControl:         "max-age=60",
			ContentDisposition:   "inline",
			ContentType:          "application/pdf",
			Metadata:             map[string]string{"origin": "test"},
			ServerSideEncryption: cloudconvert.S3EncryptionKMS,
			Tagging:              map[string]string{"team": "docs"},
			IgnoreError:          true,
			Options:              someOption,
		},
		minimal: cloudconvert.ExportS3{
			Input:           oneInput,
			Bucket:          "bucket",
			Region:          "eu-central-1",
			AccessKeyID:     "key-id",
			SecretAccessKey: "secret-key",
		},
	},
	{
		full: cloudconvert.ExportAzureBlob{
			Input:            twoInputs,
			StorageAccount:   "account",
			StorageAccessKey: "YWNjZXNzIGtleQ==",
			SASToken:         "token",
			Container:        "container",
			Blob:             "report.pdf",
			BlobPrefix:       "out/",
			Metadata:         map[string]string{"origin": "test"},
			IgnoreError:      true,
			Options:          someOption,
		},
		minimal: cloudconvert.ExportAzureBlob{
			Input:          oneInput,
			StorageAccount: "account",
			SASToken:       "token",
			Container:      "container",
		},
	},
	{
		full: cloudconvert.ExportGoogleCloudStorage{
			Input:       twoInputs,
			ProjectID:   "project",
			Bucket:      "bucket",
			ClientEmail: "robot@example.com",
			PrivateKey:  aPrivateKey,
			File:        "report.pdf",
			FilePrefix:  "out/",
			IgnoreError: true,
			Options:     someOption,
		},
		minimal: cloudconvert.ExportGoogleCloudStorage{
			Input:       oneInput,
			ProjectID:   "project",
			Bucket:      "bucket",
			ClientEmail: "robot@example.com",
			PrivateKey:  aPrivateKey,
		},
	},
	{
		full: cloudconvert.ExportOpenStack{
			Input:       twoInputs,
			AuthURL:     "https://identity.example.com",
			Username:    "user",
			Password:    "password",
			Region:      "region",
			Container:   "container",
			TenantName:  "tenant",
			File:        "report.pdf",
			FilePrefix:  "out/",
			IgnoreError: true,
			Options:     someOption,
		},
		minimal: cloudconvert.ExportOpenStack{
			Input:     oneInput,
			AuthURL:   "https://identity.example.com",
			Username:  "user",
			Password:  "password",
			Region:    "region",
			Container: "container",
		},
	},
	{
		full: cloudconvert.ExportSFTP{
			Input:       twoInputs,
			Host:        "sftp.example.com",
			Port:        2222,
			Username:    "user",
			Password:    "password",
			PrivateKey:  aPrivateKey,
			File:        "out/report.pdf",
			Path:        "out",
			IgnoreError: true,
			Options:     someOption,
		},
		minimal: cloudconvert.ExportSFTP{
			Input:      oneInput,
			Host:       "sftp.example.com",
			Username:   "user",
			PrivateKey: aPrivateKey,
		},
	},
	{
		full: cloudconvert.ExportUpload{
			Input:       twoInputs,
			URL:         "https://example.com/put?signature=value",
			Headers:     map[string]string{"Authorization": "Bearer value"},
			IgnoreError: true,
			Options:     someOption,
		},
		minimal: cloudconvert.ExportUpload{Input: oneInput, URL: "https://example.com/put"},
	},
}

var rawCase = taskCase{
	full: cloudconvert.RawTask{
		Op: "new/operation",
		Fields: map[string]any{
			"input":        twoInputs,
			"ignore_error": true,
			"level":        3,
			"nested":       map[string]any{"a": []any{1, nil}},
		},
	},
	minimal: cloudconvert.RawTask{Op: "new/operation"},
}
