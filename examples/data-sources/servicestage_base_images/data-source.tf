data "servicestage_base_images" "all" {}

# Versions by technology stack, such as { Java = ["openjdk-8", "openjdk-11"] }
output "stacks" {
  value = data.servicestage_base_images.all.stacks
}

output "java_versions" {
  value = lookup(data.servicestage_base_images.all.stacks, "Java", [])
}
