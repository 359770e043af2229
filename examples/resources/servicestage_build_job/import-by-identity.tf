import {
  to = servicestage_build_job.checkout
  identity = {
    job_id = "swpfk3wtzdjnlyely4rf40k52zyuq5s4lha9ch8f"
    region = "cn-north-4" # Optional
  }
}
