"""The tables that the service and the older programs share, as they are; this reads them and owns none."""

from django.db import models


class User(models.Model):
    user_id = models.BigIntegerField(primary_key=True)
    username = models.CharField(max_length=64)
    employee_number = models.CharField(max_length=32, null=True)
    given_name = models.CharField(max_length=255)
    family_name = models.CharField(max_length=255)
    email = models.CharField(max_length=255, null=True)
    phone = models.CharField(max_length=32, null=True)
    job_title = models.CharField(max_length=255, null=True)
    status = models.CharField(max_length=10)
    home_branch_id = models.CharField(max_length=16, null=True)
    # Text in the database, and text in the answer: a datetime in between would only cost.
    created_at = models.CharField(max_length=23)
    updated_at = models.CharField(max_length=23)

    class Meta:
        managed = False
        db_table = "users"


class UserBranch(models.Model):
    pk = models.CompositePrimaryKey("user_id", "branch_id")
    user = models.ForeignKey(User, models.DO_NOTHING, related_name="user_branches")
    branch_id = models.CharField(max_length=16)

    class Meta:
        managed = False
        db_table = "user_branches"


class UserRole(models.Model):
    rowid = models.BigIntegerField(primary_key=True)
    user = models.ForeignKey(User, models.DO_NOTHING, related_name="user_roles")
    role = models.CharField(max_length=32)
    branch_id = models.CharField(max_length=16, null=True)

    class Meta:
        managed = False
        db_table = "user_roles"


class UserLimit(models.Model):
    pk = models.CompositePrimaryKey("user_id", "limit_name")
    user = models.ForeignKey(User, models.DO_NOTHING, related_name="user_limits")
    limit_name = models.CharField(max_length=32)
    limit_value = models.BigIntegerField()

    class Meta:
        managed = False
        db_table = "user_limits"


class UserPreference(models.Model):
    pk = models.CompositePrimaryKey("user_id", "preference_key")
    user = models.ForeignKey(User, models.DO_NOTHING, related_name="user_preferences")
    preference_key = models.CharField(max_length=64)
    preference_value = models.CharField(max_length=2000)

    class Meta:
        managed = False
        db_table = "user_preferences"


class EntityVersion(models.Model):
    pk = models.CompositePrimaryKey("entity", "entity_id", "source")
    entity = models.CharField(max_length=8)
    entity_id = models.CharField(max_length=20)
    source = models.CharField(max_length=24)
    version = models.BigIntegerField()

    class Meta:
        managed = False
        db_table = "entity_versions"
