# By job_id.
import {
  to = servicestage_build_job.checkout
  id = "swpfk3wtzdjnlyely4rf40k52zyuq5s4lha9ch8f"
}

# By job_name, which has to be exact.
import {
  to = servicestage_build_job.smallest
  id = "name/base-image"
}
