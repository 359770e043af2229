data "servicestage_build" "checkout" {
  build_id = servicestage_build.checkout.build_id
}

locals {
  build = data.servicestage_build.checkout
}

output "build" {
  value = "${local.build.job_name} #${local.build.index} ${local.build.state}: ${join(", ", local.build.phases[*].name)}"
}
