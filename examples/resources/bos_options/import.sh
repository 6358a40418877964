# A BOS has one set of options.
terraform import bos_options.site options
