package handler

// For the rehearsal only: what mongorestore asks of a server beyond FerretDB's own commands.

import (
	"context"
	"fmt"
	"time"

	"github.com/FerretDB/wire"

	"github.com/FerretDB/FerretDB/internal/backends"
	"github.com/FerretDB/FerretDB/internal/handler/common"
	"github.com/FerretDB/FerretDB/internal/handler/handlerparams"
	"github.com/FerretDB/FerretDB/internal/types"
	"github.com/FerretDB/FerretDB/internal/util/iterator"
	"github.com/FerretDB/FerretDB/internal/util/lazyerrors"
	"github.com/FerretDB/FerretDB/internal/util/must"
)

// MsgApplyOps implements as much of `applyOps` as FerretDB itself writes to its oplog: whole documents that are inserted,
// updated and deleted. As in MongoDB, an entry may be applied again.
func (h *Handler) MsgApplyOps(connCtx context.Context, msg *wire.OpMsg) (*wire.OpMsg, error) {
	document, err := opMsgDocument(msg)
	if err != nil {
		return nil, lazyerrors.Error(err)
	}

	ops, err := common.GetRequiredParam[*types.Array](document, document.Command())
	if err != nil {
		return nil, err
	}

	for i := range ops.Len() {
		op := must.NotFail(ops.Get(i)).(*types.Document)

		c, err := h.collectionOf(must.NotFail(op.Get("ns")).(string))
		if err != nil {
			return nil, err
		}

		o := must.NotFail(op.Get("o")).(*types.Document)

		var put *types.Document

		switch kind := must.NotFail(op.Get("op")).(string); kind {
		case "i":
			put = o
		case "u":
			put = must.NotFail(o.Get("$set")).(*types.Document)
		case "d":
		default:
			return nil, fmt.Errorf("applyOps: operation %q is not understood", kind)
		}

		id := o
		if put != nil {
			id = put
		}

		if _, err = c.DeleteAll(connCtx, &backends.DeleteAllParams{IDs: []any{must.NotFail(id.Get("_id"))}}); err != nil {
			return nil, lazyerrors.Error(err)
		}

		if put != nil {
			if _, err = c.InsertAll(connCtx, &backends.InsertAllParams{Docs: []*types.Document{put}}); err != nil {
				return nil, lazyerrors.Error(err)
			}
		}
	}

	return documentOpMsg(must.NotFail(types.NewDocument("applied", int32(ops.Len()), "ok", float64(1))))
}

// MsgMergeAuthzCollections implements as much of `_mergeAuthzCollections` as FerretDB has: users, added where they are missing.
func (h *Handler) MsgMergeAuthzCollections(connCtx context.Context, msg *wire.OpMsg) (*wire.OpMsg, error) {
	document, err := opMsgDocument(msg)
	if err != nil {
		return nil, lazyerrors.Error(err)
	}

	from, err := common.GetRequiredParam[string](document, "tempUsersCollection")
	if err != nil {
		return nil, err
	}

	source, err := h.collectionOf(from)
	if err != nil {
		return nil, err
	}

	users, err := h.collectionOf("admin.system.users")
	if err != nil {
		return nil, err
	}

	queried, err := source.Query(connCtx, nil)
	if err != nil {
		return nil, lazyerrors.Error(err)
	}

	docs, err := iterator.ConsumeValues(queried.Iter)
	if err != nil {
		return nil, lazyerrors.Error(err)
	}

	for _, doc := range docs {
		_, err = users.InsertAll(connCtx, &backends.InsertAllParams{Docs: []*types.Document{doc}})
		if err != nil && !backends.ErrorCodeIs(err, backends.ErrorCodeInsertDuplicateID) {
			return nil, lazyerrors.Error(err)
		}
	}

	return documentOpMsg(must.NotFail(types.NewDocument("ok", float64(1))))
}

// noted adds an entry that does nothing to the oplog after a command that FerretDB does not write there. MongoDB writes them; without,
// the newest entry could be one about a collection that is no more.
func (h *Handler) noted(command func(context.Context, *wire.OpMsg) (*wire.OpMsg, error)) func(context.Context, *wire.OpMsg) (*wire.OpMsg, error) {
	return func(connCtx context.Context, msg *wire.OpMsg) (*wire.OpMsg, error) {
		res, err := command(connCtx, msg)
		if err != nil {
			return nil, err
		}

		oplog, err := h.collectionOf("local.oplog.rs")
		if err != nil {
			return nil, err
		}

		if _, err = oplog.Stats(connCtx, new(backends.CollectionStatsParams)); err != nil {
			return res, nil // no replica set
		}

		now := time.Now()
		_, err = oplog.InsertAll(connCtx, &backends.InsertAllParams{Docs: []*types.Document{must.NotFail(types.NewDocument(
			"_id", types.NewObjectID(),
			"op", "n",
			"ns", "",
			"ts", types.NextTimestamp(now),
			"o", must.NotFail(types.NewDocument("msg", "noted")),
			"t", int64(1),
			"v", int64(2),
			"wall", now,
		))}})

		return res, err
	}
}

func (h *Handler) collectionOf(namespace string) (backends.Collection, error) {
	dbName, name, err := handlerparams.SplitNamespace(namespace, "")
	if err != nil {
		return nil, err
	}

	db, err := h.b.Database(dbName)
	if err != nil {
		return nil, lazyerrors.Error(err)
	}

	c, err := db.Collection(name)
	if err != nil {
		return nil, lazyerrors.Error(err)
	}

	return c, nil
}
