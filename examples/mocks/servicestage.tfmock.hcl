# Values of computed attributes for tests with mock_provider, without a service.
# Terraform mocks lists of objects (jobs, phases and builds) as empty lists.

mock_resource "servicestage_build_job" {
  defaults = {
    job_id                = "swpfk3wtzdjnlyely4rf40k52zyuq5s4lha9ch8f"
    enterprise_project_id = "0"
    creator               = "ci"
    created_at            = "2026-11-25T09:06:28Z"
    last_build_id         = "j25yx7qm6apcxin59e3mj7u5byymtjjwsep6r5x2"
  }
}

mock_resource "servicestage_build" {
  defaults = {
    build_id       = "j25yx7qm6apcxin59e3mj7u5byymtjjwsep6r5x2"
    index          = 1
    state          = "Successful"
    branch         = "main"
    commit_id      = "3f2a9c1d4b5e6f708192a3b4c5d6e7f80912a3b4"
    committer      = "ci"
    repo           = "https://github.com/acme/checkout"
    started_at     = "2026-11-25T09:06:28Z"
    ended_at       = "2026-11-25T09:12:04Z"
    duration       = 336
    base_image     = "openjdk:17"
    swr_repository = "swr.cn-north-4.myhuaweicloud.com/acme/checkout"
    swr_repo_page  = "https://console.huaweicloud.com/swr"
  }
}

mock_data "servicestage_build_job" {
  defaults = {
    job_id                = "swpfk3wtzdjnlyely4rf40k52zyuq5s4lha9ch8f"
    job_name              = "checkout-service"
    job_description       = "Builds the checkout image"
    enterprise_project_id = "0"
    creator               = "ci"
    created_at            = "2026-11-25T09:06:28Z"
    last_build_id         = "j25yx7qm6apcxin59e3mj7u5byymtjjwsep6r5x2"
    environment_setting = {
      docker_version     = "18.09"
      use_public_cluster = true
      build_os           = { arch = "x86_64" }
    }
    code_repo = {
      type      = "GitHub"
      url       = "https://github.com/acme/checkout"
      branch    = "main"
      namespace = "acme"
    }
  }
}

mock_data "servicestage_build_jobs" {
  defaults = {
    ids   = ["swpfk3wtzdjnlyely4rf40k52zyuq5s4lha9ch8f"]
    names = ["checkout-service"]
  }
}

mock_data "servicestage_build" {
  defaults = {
    job_id         = "swpfk3wtzdjnlyely4rf40k52zyuq5s4lha9ch8f"
    job_name       = "checkout-service"
    index          = 1
    state          = "Successful"
    branch         = "main"
    commit_id      = "3f2a9c1d4b5e6f708192a3b4c5d6e7f80912a3b4"
    committer      = "ci"
    repo           = "https://github.com/acme/checkout"
    repo_type      = "GitHub"
    started_at     = "2026-11-25T09:06:28Z"
    ended_at       = "2026-11-25T09:12:04Z"
    duration       = 336
    base_image     = "openjdk:17"
    swr_repository = "swr.cn-north-4.myhuaweicloud.com/acme/checkout"
    swr_repo_page  = "https://console.huaweicloud.com/swr"
  }
}

mock_data "servicestage_builds" {
  defaults = {
    job_name = "checkout-service"
  }
}

mock_data "servicestage_base_images" {
  defaults = {
    stacks = {
      Java   = ["8u181-jdk-alpine", "11", "17"]
      Nodejs = ["8", "16"]
      Python = ["3.7"]
    }
  }
}
