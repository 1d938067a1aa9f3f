module api-faults

go 1.24
