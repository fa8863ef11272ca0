package caddymodule

func registerCommands() {}
