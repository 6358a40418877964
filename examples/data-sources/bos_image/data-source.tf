# The image as it is when the plan is made.
data "bos_image" "cos" {
  path = "s3://boot-images/00000000-0000-4000-8000-000000000001/manifest.json"
}

# Its etag in the template pins the review to it: once somebody builds another
# image in its place, the next plan says so.
resource "bos_session_template" "compute" {
  name = "compute"

  boot_sets = {
    compute = {
      path              = data.bos_image.cos.path
      etag              = data.bos_image.cos.etag
      node_roles_groups = ["Compute"]
    }
  }

  lifecycle {
    precondition {
      condition     = data.bos_image.cos.fault == ""
      error_message = "No node can boot this image: ${data.bos_image.cos.fault}"
    }
  }
}
