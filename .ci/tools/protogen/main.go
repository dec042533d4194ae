// Command protogen compiles .proto files and runs the two Go code generators
// on them: protoc-gen-go and protoc-gen-connect-go at the versions that this
// module pins.
//
// It does the part of buf or protoc that this project needs. Building buf takes
// minutes and a hundred modules on a clean machine, and protoc is not a Go
// program; this compiles in seconds from the Go module proxy alone and writes
// the same bytes, because both generators are the official ones.
//
// Usage (from .ci/tools):
//
//	go run ./protogen [-check] [-root ../..] protocol/puentev1/puente.proto ...
//
// Paths are relative to -root. With -check nothing is written: the exit status
// is 1 if a file on disk differs from what would be written.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/linker"
	"github.com/bufbuild/protocompile/protoutil"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"
)

// generators are run in this order. package_suffix= (empty) puts the Connect
// code into the package of the messages instead of one of its own.
var generators = []struct{ tool, parameter string }{
	{"protoc-gen-go", "paths=source_relative"},
	{"protoc-gen-connect-go", "paths=source_relative,package_suffix="},
}

func main() {
	check := flag.Bool("check", false, "compare with the files on disk instead of writing them")
	root := flag.String("root", "../..", "folder that the arguments are relative to")
	flag.Parse()
	if flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "protogen: name at least one .proto file")
		os.Exit(2)
	}
	if err := run(*root, flag.Args(), *check); err != nil {
		fmt.Fprintln(os.Stderr, "protogen:", err)
		os.Exit(1)
	}
}

// run generates all files for the given sources; stale is an error with check.
func run(root string, sources []string, check bool) error {
	descriptors, err := compile(root, sources)
	if err != nil {
		return err
	}
	stale := 0
	for _, g := range generators {
		files, err := generate(g.tool, &pluginpb.CodeGeneratorRequest{
			FileToGenerate: sources,
			Parameter:      proto.String(g.parameter),
			ProtoFile:      descriptors,
		})
		if err != nil {
			return err
		}
		for _, f := range files {
			path := filepath.Join(root, filepath.FromSlash(f.GetName()))
			old, err := os.ReadFile(path)
			switch {
			case err == nil && string(old) == f.GetContent():
			case check:
				fmt.Fprintf(os.Stderr, "protogen: %s is not what its .proto file generates\n", f.GetName())
				stale++
			default:
				if err := os.WriteFile(path, []byte(f.GetContent()), 0o644); err != nil {
					return err
				}
				fmt.Fprintf(os.Stderr, "protogen: wrote %s\n", f.GetName())
			}
		}
	}
	if stale > 0 {
		return fmt.Errorf("%d generated files are stale; run .ci/generate and commit the result", stale)
	}
	return nil
}

// compile gives the descriptors of the sources and of everything they import,
// each after its own imports, with comments, as protoc does.
func compile(root string, sources []string) ([]*descriptorpb.FileDescriptorProto, error) {
	c := protocompile.Compiler{
		Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{
			ImportPaths: []string{root},
		}),
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	files, err := c.Compile(context.Background(), sources...)
	if err != nil {
		return nil, err
	}
	var out []*descriptorpb.FileDescriptorProto
	seen := map[string]bool{}
	var add func(fd protoreflect.FileDescriptor)
	add = func(fd protoreflect.FileDescriptor) {
		if seen[fd.Path()] {
			return
		}
		seen[fd.Path()] = true
		for i := range fd.Imports().Len() {
			add(fd.Imports().Get(i).FileDescriptor)
		}
		out = append(out, protoutil.ProtoFromFileDescriptor(fd))
	}
	for _, f := range files {
		add(linker.File(f))
	}
	return out, nil
}

// generate runs one generator, which speaks the protoc plugin protocol on its
// standard streams, through "go tool" so that go.mod decides its version.
func generate(tool string, req *pluginpb.CodeGeneratorRequest) ([]*pluginpb.CodeGeneratorResponse_File, error) {
	in, err := proto.Marshal(req)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("go", "tool", tool)
	cmd.Stdin = bytes.NewReader(in)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", tool, err)
	}
	var resp pluginpb.CodeGeneratorResponse
	if err := proto.Unmarshal(out, &resp); err != nil {
		return nil, fmt.Errorf("%s: its answer is not a CodeGeneratorResponse: %w", tool, err)
	}
	if resp.Error != nil {
		return nil, fmt.Errorf("%s: %s", tool, resp.GetError())
	}
	return resp.File, nil
}
