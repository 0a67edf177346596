package standin

import (
	"encoding/binary"
	"math"
)

// wavFile makes a tone of a fifth of a second. Mark is its comment.
func wavFile() []byte {
	const rate, frequency = 8000, 440
	samples := make([]int16, rate/5)
	for i := range samples {
		samples[i] = int16(8000 * math.Sin(2*math.Pi*frequency*float64(i)/rate))
	}
	sound := packed(binary.LittleEndian, samples)
	comment := []byte(Mark + "\x00")
	if len(comment)%2 == 1 {
		comment = append(comment, 0)
	}
	info := packed(binary.LittleEndian, []byte("INFOICMT"), length(len(comment)), comment)
	body := packed(binary.LittleEndian, []byte("WAVEfmt "), uint32(16),
		uint16(1), uint16(1), uint32(rate), uint32(rate*2), uint16(2), uint16(16), // PCM, one channel of 16 bits
		[]byte("LIST"), length(len(info)), info, []byte("data"), length(len(sound)), sound)
	return packed(binary.LittleEndian, []byte("RIFF"), length(len(body)), body)
}
