import {
  to = servicestage_build_job.checkout
  id = "swpfk3wtzdjnlyely4rf40k52zyuq5s4lha9ch8f" # job_id
}
