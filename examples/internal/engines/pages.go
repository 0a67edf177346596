package engines

import (
	"strconv"
	"strings"
)

// maxPages bounds the pages of a selection, including duplicates.
const maxPages = 10_000

// parsePages parses a selection such as "1,2,5-7" or "3-" of the pages of a document with
// count pages. It keeps the order.
func parsePages(text string, count int) ([]int, error) {
	var pages []int
	for part := range strings.SplitSeq(text, ",") {
		first, last, err := parseRange(strings.TrimSpace(part), count)
		if err != nil {
			return nil, err
		}
		if len(pages)+last-first >= maxPages {
			return nil, invalid("pages names more than %d pages", maxPages)
		}
		for page := first; page <= last; page++ {
			pages = append(pages, page)
		}
	}
	return pages, nil
}

func parseRange(text string, count int) (first, last int, err error) {
	from, to, isRange := strings.Cut(text, "-")
	if !isRange {
		to = from
	}
	if isRange && to == "" {
		to = strconv.Itoa(count)
	}
	if first, err = parsePage(from, count); err != nil {
		return 0, 0, err
	}
	if last, err = parsePage(to, count); err != nil {
		return 0, 0, err
	}
	if first > last {
		return 0, 0, invalid("pages has the range %q, which begins after its end", clip(text))
	}
	return first, last, nil
}

func parsePage(text string, count int) (int, error) {
	page, err := strconv.Atoi(strings.TrimSpace(text))
	switch {
	case err != nil:
		return 0, invalid("pages needs numbers such as 1,2,5-7, not %q", clip(text))
	case page < 1 || page > count:
		return 0, invalid("pages names page %d of a document with %d", page, count)
	}
	return page, nil
}

// clip shortens a text for a message.
func clip(text string) string {
	if len(text) > 40 {
		return text[:40] + "…"
	}
	return text
}
