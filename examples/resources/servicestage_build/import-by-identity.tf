import {
  to = servicestage_build.checkout
  identity = {
    build_id = "j25yx7qm6apcxin59e3mj7u5byymtjjwsep6r5x2"
  }
}
