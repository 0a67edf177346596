package cloudconvert_test

import (
	"time"

	"github.com/cloudconvert/cloudconvert-go"
)

var pdfCases = []taskCase{
	{
		full: cloudconvert.PDFA{
			Input:            twoInputs,
			ConformanceLevel: cloudconvert.PDFALevel3B,
			Engine:           "an-engine",
			EngineVersion:    "1.2",
			Filename:         "archived.pdf",
			Timeout:          10 * time.Minute,
			IgnoreError:      true,
			Options:          someOption,
		},
		minimal: cloudconvert.PDFA{Input: oneInput},
	},
	{
		full: cloudconvert.PDFX{
			Input:         twoInputs,
			Variant:       "4",
			Engine:        "an-engine",
			EngineVersion: "1.2",
			Filename:      "print.pdf",
			Timeout:       10 * time.Minute,
			IgnoreError:   true,
			Options:       someOption,
		},
		minimal: cloudconvert.PDFX{Input: oneInput},
	},
	{
		full: cloudconvert.PDFOCR{
			Input:         twoInputs,
			AutoOrient:    new(false),
			Language:      []string{"eng", "deu"},
			Engine:        "an-engine",
			EngineVersion: "1.2",
			Filename:      "text.pdf",
			Timeout:       10 * time.Minute,
			IgnoreError:   true,
			Options:       someOption,
		},
		minimal: cloudconvert.PDFOCR{Input: oneInput},
	},
	{
		full: cloudconvert.PDFEncrypt{
			Input:              twoInputs,
			SetPassword:        "password",
			SetOwnerPassword:   "owner password",
			AllowExtract:       new(false),
			AllowAccessibility: new(false),
			AllowModify:        "form",
			AllowPrint:         "none",
			Engine:             "an-engine",
			EngineVersion:      "1.2",
			Filename:           "locked.pdf",
			Timeout:            10 * time.Minute,
			IgnoreError:        true,
			Options:            someOption,
		},
		minimal: cloudconvert.PDFEncrypt{Input: oneInput},
	},
	{
		full: cloudconvert.PDFDecrypt{
			Input:         twoInputs,
			Password:      "password",
			Engine:        "an-engine",
			EngineVersion: "1.2",
			Filename:      "open.pdf",
			Timeout:       10 * time.Minute,
			IgnoreError:   true,
			Options:       someOption,
		},
		minimal: cloudconvert.PDFDecrypt{Input: oneInput, Password: "password"},
	},
	{
		full: cloudconvert.PDFSplitPages{
			Input:         twoInputs,
			Engine:        "an-engine",
			EngineVersion: "1.2",
			Filename:      "page-%d.pdf",
			Timeout:       10 * time.Minute,
			IgnoreError:   true,
			Options:       someOption,
		},
		minimal: cloudconvert.PDFSplitPages{Input: oneInput},
	},
	{
		full: cloudconvert.PDFExtractPages{
			Input:         twoInputs,
			Pages:         "1,2,5-7",
			Engine:        "an-engine",
			EngineVersion: "1.2",
			Filename:      "some.pdf",
			Timeout:       10 * time.Minute,
			IgnoreError:   true,
			Options:       someOption,
		},
		minimal: cloudconvert.PDFExtractPages{Input: oneInput, Pages: "1"},
	},
	{
		full: cloudconvert.PDFRotatePages{
			Input:         twoInputs,
			Pages:         "1,2,5-7",
			Rotation:      "+90",
			Engine:        "an-engine",
			EngineVersion: "1.2",
			Filename:      "turned.pdf",
			Timeout:       10 * time.Minute,
			IgnoreError:   true,
			Options:       someOption,
		},
		minimal: cloudconvert.PDFRotatePages{Input: oneInput, Rotation: "180"},
	},
}
