module github.com/bootorch/terraform-provider-bos

go 1.26.0
