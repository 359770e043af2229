data "servicestage_base_images" "all" {}

output "java_versions" {
  value = lookup(data.servicestage_base_images.all.stacks, "Java", [])
}
