# After go.sh: builds the programs of the mongo stand-in.
module github.com/FerretDB/FerretDB v1.24.2 h1:trrUU0LbmusMbyubhPS1IELncvrIwKrsRT2LW1UUWCw= /tmp/ferretdb
cd /tmp/ferretdb
echo v1.24.2 >build/version/version.txt
# What mongorestore asks for and FerretDB lacks: see msg_applyops.go; entries of the oplog; an option that MongoDB ignores; names with dots.
cp /src/msg_applyops.go internal/handler/
sed -i 's|^\t\t"buildInfo": {|\t\t"applyOps": {Handler: h.MsgApplyOps},\n\t\t"_mergeAuthzCollections": {Handler: h.MsgMergeAuthzCollections},\n&|' internal/handler/commands.go
sed -i 's#Handler: h.Msg\(RenameCollection\|Drop\|DropDatabase\),#Handler: h.noted(h.Msg\1),#' internal/handler/commands.go
sed -i 's|case "background":|case "background", "ns":|' internal/handler/msg_createindexes.go
sed -i 's|strings.Split(ns, "\.")|strings.SplitN(ns, ".", 2)|' internal/handler/handlerparams/handlerparams.go
build ferretdb -tags ferretdb_no_postgresql -ldflags '-s -w' ./cmd/ferretdb
# Tools release 100.11.0.
module github.com/mongodb/mongo-tools v0.0.0-20250131183507-b8a566a7f38f h1:Xbo8OTSAov884rc8pIY/M00S4T4MYi5Dq2JRTeCUIFY= /tmp/tools
cd /tmp/tools
# Of a vendored module, the download has but the list of what was vendored.
rm -rf vendor
for tool in mongodump mongorestore bsondump; do
  build "$tool" -ldflags "-s -w -X main.VersionStr=100.11.0" "./$tool/main"
done
