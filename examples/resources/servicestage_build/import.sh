# The import id is the build_id.
terraform import servicestage_build.checkout j25yx7qm6apcxin59e3mj7u5byymtjjwsep6r5x2
