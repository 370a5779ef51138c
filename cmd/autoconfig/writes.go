package main

import (
	"context"
	"log/slog"
)

// warnNotDurable says that the database may lose what it has acknowledged.
func (app *application) warnNotDurable(ctx context.Context, logger *slog.Logger) {
	weak, err := app.store.NotDurable(ctx)
	switch {
	case err != nil:
		logger.Warn("whether the database keeps what it acknowledges can't be found out", "error", err)
	case weak != "":
		logger.Warn("the database may lose what it has acknowledged when it loses power", "setting", weak)
	}
}
