# By job_id.
terraform import servicestage_build_job.checkout swpfk3wtzdjnlyely4rf40k52zyuq5s4lha9ch8f

# By job_name, which has to be exact.
terraform import servicestage_build_job.smallest name/base-image
