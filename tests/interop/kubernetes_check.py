# Checks every document of a file against the schemas of some versions of Kubernetes; prints version, kind and name of each.
import sys

import kubernetes_validate
import yaml

path, *versions = sys.argv[1:]
for document in yaml.safe_load_all(open(path)):
    for version in versions:
        kubernetes_validate.validate(document, version, strict=True)
        print(version, document["kind"], document["metadata"]["name"])
