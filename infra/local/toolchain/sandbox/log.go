package main

import (
	"io"
	"os"
)

// A log is at most two files of this size: the current one and the one before.
const logBytes = 8 << 20

func openLog(file string) (*os.File, error) {
	return os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
}

// boundedLog returns the end of a pipe that a part writes to.
func boundedLog(file string) (*os.File, error) {
	log, err := openLog(file)
	if err != nil {
		return nil, err
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		log.Close()
		return nil, err
	}
	go copyBounded(file, log, reader)
	return writer, nil
}

func copyBounded(file string, log *os.File, reader *os.File) {
	defer reader.Close()
	defer func() { log.Close() }()
	size := int64(0)
	if info, err := log.Stat(); err == nil {
		size = info.Size()
	}
	buffer := make([]byte, 32<<10)
	for {
		count, err := reader.Read(buffer)
		if size > logBytes && os.Rename(file, file+".1") == nil {
			if next, err := openLog(file); err == nil {
				log.Close()
				log, size = next, 0
			}
		}
		// A full disk must not stop the part: what cannot be written is dropped.
		written, _ := log.Write(buffer[:count])
		size += int64(written)
		if err == io.EOF || (err != nil && count == 0) {
			return
		}
	}
}
