// Checks tallygate.json, which Tallygate made, with Go's own packages, and prints go.json, which Tallygate checks.
//
//	go mod init vectors && go get golang.org/x/mod && go run . tallygate.json > go.json
package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type proof struct {
	Index int64    `json:"index,omitempty"`
	Old   int64    `json:"old,omitempty"`
	Path  []string `json:"path"`
}

type vectors struct {
	Vkey        string           `json:"vkey"`
	Checkpoints map[int64]string `json:"checkpoints"`
	Inclusion   []proof          `json:"inclusion"`
	Consistency []proof          `json:"consistency"`
	Proof       string           `json:"tlog_proof,omitempty"`
}

const size = 300

// Made for tests by the authors of Go's package and known to everybody.
const skey = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"

type hashes []tlog.Hash

func (h hashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		found[i] = h[index]
	}
	return found, nil
}

func main() {
	data, err := os.ReadFile(os.Args[1])
	check(err)
	var ours vectors
	check(json.Unmarshal(data, &ours))
	stored := build()
	trees := open(ours)
	for n, tree := range trees {
		root, err := tlog.TreeHash(n, stored)
		check(err)
		if root != tree {
			log.Fatalf("the root of %d is another one", n)
		}
	}
	for _, one := range ours.Inclusion {
		check(tlog.CheckRecord(tlog.RecordProof(read(one.Path)), size, trees[size], one.Index, tlog.RecordHash(entry(one.Index))))
	}
	for _, one := range ours.Consistency {
		check(tlog.CheckTree(tlog.TreeProof(read(one.Path)), size, trees[size], one.Old, trees[one.Old]))
	}
	checkProof(ours, trees[size])
	check(json.NewEncoder(os.Stdout).Encode(produce(stored)))
	fmt.Fprintf(os.Stderr, "%d checkpoints, %d inclusion and %d consistency proofs hold\n", len(trees), len(ours.Inclusion), len(ours.Consistency))
}

func entry(i int64) []byte { return []byte(fmt.Sprintf("entry %d", i)) }

func build() hashes {
	var stored hashes
	for i := int64(0); i < size; i++ {
		added, err := tlog.StoredHashes(i, entry(i), stored)
		check(err)
		stored = append(stored, added...)
	}
	return stored
}

func open(v vectors) map[int64]tlog.Hash {
	verifier, err := note.NewVerifier(v.Vkey)
	check(err)
	trees := map[int64]tlog.Hash{}
	for n, text := range v.Checkpoints {
		opened, err := note.Open([]byte(text), note.VerifierList(verifier))
		check(err)
		lines := strings.Split(opened.Text, "\n")
		if len(lines) != 4 || lines[1] != fmt.Sprint(n) {
			log.Fatalf("checkpoint %d is not one", n)
		}
		trees[n] = read(lines[2:3])[0]
	}
	return trees
}

func checkProof(v vectors, root tlog.Hash) {
	head, checkpoint, _ := strings.Cut(v.Proof, "\n\n")
	lines := strings.Split(head, "\n")
	var index int64
	if _, err := fmt.Sscanf(lines[1], "index %d", &index); err != nil || lines[0] != "c2sp.org/tlog-proof@v1" {
		log.Fatal("this is no tlog-proof")
	}
	if checkpoint != v.Checkpoints[size] {
		log.Fatal("the tlog-proof has another checkpoint")
	}
	check(tlog.CheckRecord(tlog.RecordProof(read(lines[2:])), size, root, index, tlog.RecordHash(entry(index))))
}

func produce(stored hashes) vectors {
	signer, err := note.NewSigner(skey)
	check(err)
	made := vectors{Vkey: "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", Checkpoints: map[int64]string{}}
	for _, n := range []int64{1, 100, 256, 257, size} {
		root, err := tlog.TreeHash(n, stored)
		check(err)
		text := fmt.Sprintf("PeterNeumann\n%d\n%s\n", n, root)
		signed, err := note.Sign(&note.Note{Text: text}, signer)
		check(err)
		made.Checkpoints[n] = string(signed)
		path, err := tlog.ProveTree(size, n, stored)
		check(err)
		made.Consistency = append(made.Consistency, proof{Old: n, Path: write(path)})
	}
	for _, i := range []int64{0, 1, 99, 255, 256, 299} {
		path, err := tlog.ProveRecord(size, i, stored)
		check(err)
		made.Inclusion = append(made.Inclusion, proof{Index: i, Path: write(path)})
	}
	return made
}

func read(lines []string) []tlog.Hash {
	var found []tlog.Hash
	for _, line := range lines {
		data, err := base64.StdEncoding.DecodeString(line)
		check(err)
		var h tlog.Hash
		copy(h[:], data)
		found = append(found, h)
	}
	return found
}

func write(path []tlog.Hash) []string {
	lines := []string{}
	for _, h := range path {
		lines = append(lines, h.String())
	}
	return lines
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
