# After go.sh: builds kubectl v1.34.2, which is kubectl's library and the few lines of its main program.
module k8s.io/kubectl v0.34.2 h1:+fWGrVlDONMUmmQLDaGkQ9i91oszjjRAa94cr37hzqA= /tmp/kubectl
cd /tmp/kubectl
mkdir main
cp /src/main.go main/
build kubectl -ldflags '-s -w -X k8s.io/component-base/version.gitVersion=v1.34.2' ./main
