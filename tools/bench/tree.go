package main

import (
	"context"
	"fmt"
	"os"
	"time"
)

// commit returns what to compare with, "" for nothing.
func (s settings) commit(ctx context.Context, root string) (string, error) {
	if s.base != "" {
		return output(ctx, root, "git", "rev-parse", "--verify", "--end-of-options", s.base+"^{commit}")
	}
	tag, err := output(ctx, root, "git", "describe", "--tags", "--abbrev=0", "--match", "v*")
	if err != nil {
		return "", nil // git says in many ways that there is none
	}
	say("comparing with %s", tag)
	return output(ctx, root, "git", "rev-parse", "--verify", tag+"^{commit}")
}

// addTree checks a commit out below a temporary directory. What an earlier run
// left behind that was killed is forgotten first.
func addTree(ctx context.Context, root, tree, commit string) error {
	if _, err := output(ctx, root, "git", "worktree", "prune"); err != nil {
		return err
	}
	if _, err := output(ctx, root, "git", "worktree", "add", "--quiet", "--detach", tree, commit); err != nil {
		removeTree(root, tree)
		return fmt.Errorf("checking out %s: %w", commit, err)
	}
	return nil
}

// removeTree takes a worktree away, also when the run was interrupted.
func removeTree(root, tree string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, _ = output(ctx, root, "git", "worktree", "remove", "--force", "--force", tree)
	_ = os.RemoveAll(tree)
	_, _ = output(ctx, root, "git", "worktree", "prune")
}
