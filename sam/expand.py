"""Prints, as JSON, the CloudFormation template that SAM makes of a template for it.

usage: expand.py TEMPLATE
"""
import json
import sys

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

SOMEWHERE = "s3://artifacts/code"  # where the functions' code would be after "sam package"


class NoManagedPolicies:
    """Stands in for the names of AWS's own policies, of which we use none."""

    def load(self):
        return {}


with open(sys.argv[1], encoding="utf-8") as file:
    template = yaml_parse(file.read())
for resource in template["Resources"].values():
    if resource["Type"] == "AWS::Serverless::Function":
        resource["Properties"]["CodeUri"] = SOMEWHERE
defaults = {name: p["Default"] for name, p in template["Parameters"].items() if "Default" in p}
json.dump(transform(template, defaults, NoManagedPolicies()), sys.stdout)
