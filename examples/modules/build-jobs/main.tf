resource "servicestage_build_job" "this" {
  for_each = var.services

  job_name              = each.key
  job_description       = each.value.description
  enterprise_project_id = var.enterprise_project_id

  environment_setting {
    docker_version     = var.docker_version
    use_public_cluster = var.cluster == null ? true : null
    cluster_id         = try(var.cluster.id, null)
    cluster_name       = try(var.cluster.name, null)

    build_os {
      arch = each.value.arch
    }
  }

  dynamic "code_repo" {
    for_each = each.value.repository[*]

    content {
      type      = code_repo.value.type
      url       = code_repo.value.url
      branch    = code_repo.value.branch
      namespace = code_repo.value.namespace
    }
  }
}
