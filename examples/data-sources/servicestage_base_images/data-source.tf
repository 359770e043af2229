data "servicestage_base_images" "all" {}

# Versions by technology stack, such as { Java = ["8u181-jdk-alpine", "11"] }
output "stacks" {
  value = data.servicestage_base_images.all.stacks
}

output "java_versions" {
  value = lookup(data.servicestage_base_images.all.stacks, "Java", [])
}
